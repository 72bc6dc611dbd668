import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { groupsOf, unfolded, type Operation } from '../api-document.js';
import { queries } from '../api/queries.js';
import { Page } from '../components/page.js';
import { ProblemAlert } from '../components/problem-alert.js';

type Document = Readonly<Record<string, unknown>>;

/** What the gateway's API takes and answers, from its own document. */
export default function ApiPage() {
  const { find = '' } = useSearch({ from: '/api' });
  const navigate = useNavigate({ from: '/api' });
  const { data, error } = useQuery(queries.apiDocument());
  const groups = data === undefined ? [] : groupsOf(data, find);
  const count = groups.reduce((sum, { operations }) => sum + operations.length, 0);
  return (
    <Page
      title="API"
      description={
        <>
          What programs can do. The document for machines:{' '}
          <Link href="/openapi.json" external>
            openapi.json
          </Link>
        </>
      }
    >
      {error !== null && <ProblemAlert what="The API's document could not be read" error={error} />}
      <TextFilter
        filteringText={find}
        filteringAriaLabel="Find operations"
        filteringPlaceholder="Find operations"
        countText={`${String(count)} operations`}
        onChange={({ detail }) => {
          void navigate({ search: detail.filteringText === '' ? {} : { find: detail.filteringText }, replace: true });
        }}
      />
      {data !== undefined && groups.length === 0 && <Box>No operation holds this text. Delete some of it.</Box>}
      {groups.map(({ name, description, operations }) => (
        <Container key={name} header={<Header variant="h2">{description.replace(/\.$/, '')}</Header>}>
          <SpaceBetween size="xs">
            {operations.map((operation) => (
              <OperationView key={operation.id} operation={operation} document={data ?? {}} />
            ))}
          </SpaceBetween>
        </Container>
      ))}
    </Page>
  );
}

function OperationView({ operation, document }: { operation: Operation; document: Document }) {
  const { id, method, path, summary, needs, fields, body, answers } = operation;
  return (
    <ExpandableSection
      headerText={
        <span className="mono">
          {method} {path}
        </span>
      }
      headerDescription={summary}
    >
      <SpaceBetween size="s">
        <Box>
          Operation <span className="mono">{id}</span>. Needs <span className="mono">{needs}</span>.
        </Box>
        {fields.map((field) => (
          <div key={`${field.where} ${field.name}`}>
            <Box variant="awsui-key-label">
              {field.name} ({field.where}
              {field.required ? ', required' : ''})
            </Box>
            <Schema schema={field.schema} document={document} />
          </div>
        ))}
        {body !== undefined && (
          <div>
            <Box variant="awsui-key-label">Body</Box>
            <Schema schema={body} document={document} />
          </div>
        )}
        {answers.map(({ status, description, schema }) => (
          <div key={status}>
            <Box variant="awsui-key-label">
              Answer {status}: {description}
            </Box>
            {schema !== undefined && <Schema schema={schema} document={document} />}
          </div>
        ))}
      </SpaceBetween>
    </ExpandableSection>
  );
}

function Schema({ schema, document }: { schema: unknown; document: Document }) {
  return <pre className="json mono">{JSON.stringify(unfolded(document, schema), null, 2)}</pre>;
}
