import Link, { type LinkProps } from '@cloudscape-design/components/link';
import { useRouter } from '@tanstack/react-router';
import { useCallback, type ReactNode } from 'react';

interface FollowEvent {
  preventDefault(): void;
  readonly detail: { readonly href?: string; readonly external?: boolean };
}

/** For `onFollow`: goes to a page of this UI without loading it anew. */
export function useFollow(): (event: FollowEvent) => void {
  const router = useRouter();
  return useCallback(
    (event: FollowEvent) => {
      const { href, external } = event.detail;
      if (href === undefined || external === true) return;
      event.preventDefault();
      router.history.push(href);
    },
    [router],
  );
}

/** A link to a page of this UI. */
export function PageLink({
  href,
  fontSize,
  children,
}: {
  readonly href: string;
  readonly fontSize?: LinkProps.FontSize;
  readonly children: ReactNode;
}) {
  const follow = useFollow();
  return (
    <Link href={href} fontSize={fontSize} onFollow={follow}>
      {children}
    </Link>
  );
}
