import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';

/** An id, to read and to copy; a dash when there is none. */
export function Id({ value }: { readonly value: string | null | undefined }) {
  if (value === null || value === undefined || value === '') return <>–</>;
  return (
    <span className="mono">
      <CopyToClipboard
        variant="inline"
        textToCopy={value}
        copyButtonAriaLabel={`Copy ${value}`}
        copySuccessText="Copied"
        copyErrorText="The browser did not let this be copied"
      />
    </span>
  );
}
