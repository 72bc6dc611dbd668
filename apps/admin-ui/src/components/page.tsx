import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, type ReactNode } from 'react';
import { useFollow } from './page-link.js';

interface Props {
  readonly title: string;
  readonly description?: ReactNode;
  readonly actions?: ReactNode;
  /** The pages above this one. */
  readonly above?: readonly { text: string; href: string }[];
  readonly children: ReactNode;
}

/** What every page has: where it is, its title, what can be done, its parts. */
export function Page({ title, description, actions, above = [], children }: Props) {
  const follow = useFollow();
  useEffect(() => {
    document.title = `${title} · Fairlead`;
  }, [title]);
  return (
    <SpaceBetween size="xs">
      {above.length > 0 && <BreadcrumbGroup items={[...above, { text: title, href: '' }]} onFollow={follow} />}
      <ContentLayout
        header={
          <Header variant="h1" description={description !== undefined && <span className="words">{description}</span>} actions={actions}>
            <span className="words">{title}</span>
          </Header>
        }
      >
        <SpaceBetween size="l">{children}</SpaceBetween>
      </ContentLayout>
    </SpaceBetween>
  );
}
