// The mailbox as the platform tells it, below `/_kumoi/mail`.

export interface Mail {
  number: number;
  id: string;
  /** ISO 8601. */
  time: string;
  service: string;
  protocol: string;
  from: string;
  to: string[];
  cc: string[];
  bcc: string[];
  subject: string | null;
  cause: string;
  /** What became of it, by recipient, where it did not just arrive. */
  outcomes: Record<string, string>;
}

export interface Letter extends Mail {
  headers: [string, string][];
  text: string | null;
  /** HTML for a sandboxed frame: it loads nothing and runs nothing. */
  framed: string | null;
  attachments: { place: number; name: string; type: string; size: number }[];
}

const MAILBOX = `${import.meta.env.BASE_URL.replace(/studio\/$/, "")}mail`;

/** What a mail is called in a list. */
export function title(one: Mail): string {
  return one.subject ?? (one.protocol === "sms" ? "Text message" : "No subject");
}

/** The address of a mail's file (.eml), or of one of its attachments. */
export function saved(number: number, account: string, place?: number): string {
  return `${MAILBOX}/${number}/${place === undefined ? "raw" : `attachments/${place}`}?account=${account}`;
}
