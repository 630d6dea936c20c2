/** The members of Geometry API answers that the viewer reads. Everything else in an answer is ignored. */

export interface WireGroup {
  id: string;
  name?: string;
}

export interface WireParameter {
  id: string;
  name: string;
  type: string;
  hidden?: boolean;
  displayname?: string;
  tooltip?: string;
  group?: WireGroup;
  order?: number;
  defval?: string;
  min?: number;
  max?: number;
  decimalplaces?: number;
  choices?: string[];
  visualization?: string;
  settings?: Record<string, unknown>;
}

export interface WireOutputContent {
  format: string;
  href?: string;
  name?: string;
  data?: unknown;
  contentType?: string;
  transformations?: number[][];
}

export interface WireOutput {
  id: string;
  name: string;
  displayname?: string;
  hidden?: boolean;
  group?: WireGroup;
  order?: number;
  tooltip?: string;
  /** A string once the output was computed or asked for; absent in a mere definition. */
  version?: string;
  /** Milliseconds until it is worth asking again; only while the result is not there. */
  delay?: number;
  content?: WireOutputContent[];
  msg?: string;
  status_computation?: string;
  status_collect?: string;
}

export interface WireExportContent {
  format: string;
  href: string;
  contentType?: string;
  size?: number;
}

export interface WireExport {
  id: string;
  name: string;
  type?: string;
  displayname?: string;
  hidden?: boolean;
  group?: WireGroup;
  order?: number;
  tooltip?: string;
  version?: string;
  delay?: number;
  filename?: string;
  msg?: string;
  content?: WireExportContent[];
  status_computation?: string;
  status_collect?: string;
}

export interface WireSession {
  sessionId?: string;
  actions?: { name: string }[];
  model?: { id?: string; name?: string };
  viewer?: { config?: unknown };
  parameters?: Record<string, WireParameter>;
  outputs?: Record<string, WireOutput>;
  exports?: Record<string, WireExport>;
}

export interface WireError {
  error?: unknown;
  desc?: unknown;
  message?: unknown;
  code?: unknown;
}
