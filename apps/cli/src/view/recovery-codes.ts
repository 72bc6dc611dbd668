/** Recovery codes as they are shown once, and what they are for. */
export function renderRecoveryCodes(codes: readonly string[]): string {
  return `${codes.join('\n')}\n\nKeep these recovery codes where your authenticator app is not. Each logs you in once in its place.\n`;
}
