import { Page } from '../components/page.js';
import { PageLink } from '../components/page-link.js';

/** An address that leads nowhere. */
export function NotFound() {
  return (
    <Page title="There is no such page">
      <PageLink href="/">Go to the overview</PageLink>
    </Page>
  );
}
