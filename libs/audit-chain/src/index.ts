export * from './anchor.js';
export { canonicalJson, parseExact } from './canonical.js';
export { checkStretch, type AnchoredStretch, type Break, type BreakKind } from './check-stretch.js';
export { canonicalParsed, canonicalRow, canonicalText, type CanonicalEvent, type LogRow } from './event.js';
export { endLine, eventLine, exportHeader, type ExportHeader } from './export-lines.js';
export { findBreak, type EventBreak, type EventBreakKind, type Stretch } from './find-break.js';
export { genesis, hashAfter, leafBytes, leafOf, linksOf, type Link } from './links.js';
export { verifyExport, type ExportFinding, type ExportReport, type VerifyExportOptions } from './verify-export.js';
