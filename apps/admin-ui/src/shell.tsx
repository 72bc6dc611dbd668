import AppLayout from '@cloudscape-design/components/app-layout';
import SideNavigation from '@cloudscape-design/components/side-navigation';
import TopNavigation from '@cloudscape-design/components/top-navigation';
import { Outlet, useLocation } from '@tanstack/react-router';
import { useState } from 'react';
import { session } from './api/gateway.js';
import { useFollow } from './components/page-link.js';
import { useUser } from './components/principal.js';
import { ProblemAlert } from './components/problem-alert.js';

const sections = [
  { type: 'link', text: 'Overview', href: '/' },
  { type: 'link', text: 'Tenants', href: '/tenants' },
  { type: 'link', text: 'Fleet', href: '/fleet' },
  { type: 'link', text: 'Jobs', href: '/jobs' },
  { type: 'link', text: 'Audit', href: '/audit' },
  { type: 'link', text: 'Data', href: '/data' },
  { type: 'link', text: 'API', href: '/api' },
] as const;

/** Sections that are of no use without a permission. */
const needs: Readonly<Partial<Record<string, string>>> = { '/data': 'data.browse' };

/** What surrounds every page: the bar on top, the navigation beside. */
export function Shell() {
  const user = useUser();
  const follow = useFollow();
  const path = useLocation({ select: ({ pathname }) => pathname });
  const [problem, setProblem] = useState<unknown>();
  const shown = sections.filter(({ href }) => {
    const permission = needs[href];
    return permission === undefined || user.permissions.includes(permission);
  });
  const section = sections.find(({ href }) => href !== '/' && (path === href || path.startsWith(`${href}/`)));
  return (
    <>
      <div id="top">
        <TopNavigation
          identity={{ href: '/', title: 'Fairlead', onFollow: follow }}
          utilities={[
            {
              type: 'menu-dropdown',
              iconName: 'user-profile',
              text: user.email,
              description: user.roles.join(', '),
              items: [{ id: 'sign-out', text: 'Sign out' }],
              onItemClick: () => void session.signOut().catch(setProblem),
            },
          ]}
        />
      </div>
      <AppLayout
        headerSelector="#top"
        toolsHide
        navigationWidth={200}
        navigation={<SideNavigation items={shown} activeHref={section?.href ?? '/'} onFollow={follow} />}
        notifications={problem === undefined ? undefined : <ProblemAlert what="You are still signed in" error={problem} />}
        content={<Outlet />}
      />
    </>
  );
}
