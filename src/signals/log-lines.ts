// Log lines inside free text: recognised and left out, because raw logs never reach a record or a model (S2).

/** Text of more lines than this was written by a program; a person's note is shorter. */
const LINES_MAX = 6;

const LOG_LINE = [
  /^\[?\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}/, // 2026-11-20T10:00:00, 2026/11/20 10:00
  /^\[?\d{2}:\d{2}:\d{2}[.,]\d/, // 10:00:00.123
  /^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) {1,2}\d{1,2} \d{2}:\d{2}:\d{2}/i, // syslog
  /^<\d{1,3}>\d? ?/, // RFC 5424 priority
  /^[IWEF]\d{4} \d{2}:\d{2}:\d{2}/, // klog
  /^\[?(?:trace|debug|info|notice|warn|warning|error|fatal|critical|panic)\]?[ \t]*[:|-]?[ \t]+[[({\d]/i,
  /^\[(?:trace|debug|info|notice|warn|warning|error|fatal|critical)\]/i,
  /^(?:time|ts|level|lvl|severity)=\S/i, // logfmt
  /^\{"/, // one JSON object per line
  /^\d{1,3}(?:\.\d{1,3}){3} \S+ \S+ \[/, // access log
  /^at [\w$.<>]+[ (]/, // stack frames: Java, JavaScript
  /^(?:Traceback \(|File "[^"]{1,200}", line \d|goroutine \d|Caused by: |\.\.\. \d+ more|panic: |thread '[^']{1,100}' panicked)/,
  /^[\w.$]{1,200}(?:Exception|Error): /, // java.lang.IllegalStateException: …
];

export interface WithoutLogs {
  readonly text: string;
  /** How many lines were left out. */
  readonly dropped: number;
}

/**
 * `text` on one line, without what looks like log output: such lines, and everything after the sixth. Text with a log
 * line keeps only what stands before the first one, for what follows is most often part of the same output.
 */
export function withoutLogLines(text: string): WithoutLogs {
  const lines = text
    .split("\n")
    .map((line) => line.replaceAll("\t", " ").trim())
    .filter((line) => line !== "");
  const firstLog = lines.findIndex((line) => LOG_LINE.some((pattern) => pattern.test(line)));
  const end = Math.min(firstLog < 0 ? lines.length : firstLog, LINES_MAX);
  return { text: lines.slice(0, end).join(" "), dropped: lines.length - end };
}

const LOG_FIELD =
  /^(?:raw_?)?(?:logs?|log_?lines?|log_?message|stack_?trace|stack|traceback|backtrace|body|request_?body|response_?body|payload|dump|output|stdout|stderr|exception|event_?data|raw)$/i;

/** True for the name of a field that carries log output or a message body as a whole. */
export function isLogField(name: string): boolean {
  return LOG_FIELD.test(name.slice(0, 64).replaceAll(/[-.]/g, "_"));
}
