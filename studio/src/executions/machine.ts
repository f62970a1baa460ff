// State machines as graphs, and what an execution did in each state. Pure.

interface Rule { Next?: string }
interface State {
  Type?: string;
  Next?: string;
  End?: boolean;
  Default?: string;
  Choices?: Rule[];
  Catch?: (Rule & { ErrorEquals?: string[] })[];
  Retry?: unknown[];
  Branches?: Machine[];
  Iterator?: Machine;
  ItemProcessor?: Machine;
  Resource?: string;
}
export interface Machine {
  StartAt: string;
  States: Record<string, State>;
}

export interface Step {
  id: string;
  type: string;
  /** The state that it is inside of, or an empty string. */
  group: string;
  detail: string;
}

export interface Way {
  id: string;
  source: string;
  target: string;
  kind: "next" | "choice" | "catch" | "inside";
}

export function graph(machine: Machine): { steps: Step[]; ways: Way[] } {
  const steps: Step[] = [];
  const ways: Way[] = [];
  const visit = (part: Machine, group: string): void => {
    for (const [name, state] of Object.entries(part.States)) {
      steps.push({ id: name, type: state.Type ?? "", group, detail: short(state.Resource ?? "") });
      const to = (target: string | undefined, kind: Way["kind"]): void => {
        if (target === undefined || ways.some((way) => way.source === name && way.target === target)) return;
        ways.push({ id: `${name}→${target}`, source: name, target, kind });
      };
      to(state.Next, "next");
      for (const choice of state.Choices ?? []) to(choice.Next, "choice");
      to(state.Default, "choice");
      for (const caught of state.Catch ?? []) to(caught.Next, "catch");
      for (const inner of [...(state.Branches ?? []), state.Iterator, state.ItemProcessor]) {
        if (inner === undefined) continue;
        visit(inner, name);
        to(inner.StartAt, "inside");
      }
    }
  };
  visit(machine, "");
  return { steps, ways };
}

function short(resource: string): string {
  return resource.replace(/^arn:aws:states:::(aws-sdk:)?/, "").replace(/^arn:aws:lambda:.*:function:/, "lambda ");
}

export interface HistoryEvent {
  id: number;
  previousEventId?: number;
  type: string;
  timestamp: number;
  [details: string]: unknown;
}

export interface Visit {
  state: string;
  entered: number;
  exited: number | undefined;
  input: string | undefined;
  output: string | undefined;
  variables: Record<string, string>;
  attempts: number;
  status: "running" | "succeeded" | "failed" | "caught";
  error: string;
  cause: string;
}

interface Entered { name: string; input?: string }
interface Exited { name: string; output?: string; assignedVariables?: Record<string, string> }
interface Failed { error?: string; cause?: string }

/** Each time a state was entered, in order, with what became of it. */
export function visits(events: readonly HistoryEvent[]): Visit[] {
  const found: Visit[] = [];
  const at = new Map<number, Visit>();
  for (const event of events) {
    let visit = at.get(event.previousEventId ?? 0);
    if (event.type.endsWith("StateEntered")) {
      const details = event.stateEnteredEventDetails as Entered;
      visit = { state: details.name, entered: event.timestamp, exited: undefined, input: details.input, output: undefined, variables: {}, attempts: 0, status: "running", error: "", cause: "" };
      found.push(visit);
    } else if (event.type.endsWith("StateExited")) {
      const details = event.stateExitedEventDetails as Exited;
      const left = visit?.state === details.name ? visit : found.findLast((one) => one.state === details.name && one.exited === undefined);
      if (left !== undefined) {
        left.exited = event.timestamp;
        left.output = details.output;
        left.variables = details.assignedVariables ?? {};
        left.status = left.error === "" ? "succeeded" : left.status === "failed" ? "caught" : "succeeded";
        visit = left;
      }
    } else if (visit !== undefined && /(Scheduled|IterationStarted)$/.test(event.type)) {
      if (event.type.endsWith("Scheduled")) visit.attempts += 1;
    } else if (visit !== undefined && /(Failed|TimedOut|Aborted)$/.test(event.type)) {
      const details = Object.entries(event).find(([name]) => name.endsWith("EventDetails"))?.[1] as Failed | undefined;
      visit.error = details?.error ?? event.type;
      visit.cause = details?.cause ?? "";
      visit.status = "failed";
    } else if (visit !== undefined && event.type.endsWith("Succeeded") && !event.type.startsWith("Execution")) {
      visit.status = "running";
      visit.error = "";
    }
    if (visit !== undefined) at.set(event.id, visit);
  }
  return found;
}
