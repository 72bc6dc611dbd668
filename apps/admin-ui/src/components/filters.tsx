import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type SubmitEvent } from 'react';
import type { Search } from '../search.js';

export interface FilterField<Name extends string> {
  readonly name: Name;
  readonly label: string;
  /** The values there are; without them any text can be typed. */
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  readonly placeholder?: string;
}

interface Props<Name extends string> {
  readonly fields: readonly FilterField<Name>[];
  readonly values: Search<Name>;
  readonly onApply: (values: Search<Name>) => void;
}

const any = { value: '', label: 'Any' };

/** A row of filters. Choices apply at once, texts with Enter or the button; what applies stands in the address. */
export function Filters<Name extends string>({ fields, values, onApply }: Props<Name>) {
  // What is typed but not applied yet starts anew when the address changes.
  const applied = JSON.stringify(values);
  return <FilterForm key={applied} fields={fields} values={values} onApply={onApply} />;
}

function FilterForm<Name extends string>({ fields, values, onApply }: Props<Name>) {
  const [draft, setDraft] = useState(() => pick(fields, values));
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onApply(trimmed(draft));
  };
  const active = fields.some(({ name }) => values[name] !== undefined);
  return (
    <form onSubmit={submit}>
      <SpaceBetween direction="horizontal" size="s" alignItems="end">
        {fields.map(({ name, label, options, placeholder }) => (
          <FormField key={name} label={label}>
            {options === undefined ? (
              <Input
                value={draft[name] ?? ''}
                placeholder={placeholder}
                onChange={({ detail }) => {
                  setDraft({ ...draft, [name]: detail.value });
                }}
              />
            ) : (
              <Select
                options={[any, ...options]}
                selectedOption={options.find(({ value }) => value === draft[name]) ?? any}
                onChange={({ detail }) => {
                  onApply(trimmed({ ...draft, [name]: detail.selectedOption.value }));
                }}
              />
            )}
          </FormField>
        ))}
        {fields.some(({ options }) => options === undefined) && <Button formAction="submit">Apply</Button>}
        {active && (
          <Button
            formAction="none"
            variant="link"
            onClick={() => {
              onApply({});
            }}
          >
            Clear
          </Button>
        )}
      </SpaceBetween>
    </form>
  );
}

function pick<Name extends string>(fields: readonly FilterField<Name>[], values: Search<Name>): Search<Name> {
  return Object.fromEntries(fields.map(({ name }) => [name, values[name]])) as Search<Name>;
}

function trimmed<Name extends string>(values: Search<Name>): Search<Name> {
  const entries = Object.entries<string | undefined>(values).map(([name, value]) => [name, value?.trim()] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== '')) as Search<Name>;
}
