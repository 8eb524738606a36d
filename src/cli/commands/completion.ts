// `completion`: scripts for bash, zsh and fish that ask the command itself what may come next.

import { Argument, type Command } from "commander";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { RESOURCES } from "../resources.ts";
import type { Runner, Session } from "../session.ts";

const SCRIPTS = {
  bash: `_holdpoint() {
  local IFS=$'\\n'
  COMPREPLY=( $(compgen -W "$(holdpoint __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}") )
}
complete -o default -F _holdpoint holdpoint
`,
  zsh: `#compdef holdpoint
_holdpoint() {
  local -a candidates
  candidates=("\${(@f)$(holdpoint __complete -- "\${(@)words[2,CURRENT-1]}" 2>/dev/null)}")
  compadd -- $candidates || _files
}
compdef _holdpoint holdpoint
`,
  fish: `function __holdpoint_complete
  set -l words (commandline -opc)
  holdpoint __complete -- $words[2..-1] 2>/dev/null
end
complete -c holdpoint -a '(__holdpoint_complete)'
`,
} as const;

type Shell = keyof typeof SCRIPTS;

export function addCompletion(program: Command, runner: Runner): void {
  program
    .command("completion")
    .description("Print a completion script: source <(holdpoint completion bash)")
    .addArgument(new Argument("<shell>").choices(Object.keys(SCRIPTS)))
    .action(runner.action((session: Session, shell: Shell) => printScript(session, shell)));
  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .action(runner.action((session: Session, words: readonly string[]) => complete(session, program, words)));
}

function printScript({ output }: Session, shell: Shell): ExitCode {
  output.print(SCRIPTS[shell]);
  return EXIT.ok;
}

function complete({ output }: Session, program: Command, words: readonly string[]): ExitCode {
  output.print(
    candidatesAfter(program, words)
      .map((candidate) => `${candidate}\n`)
      .join(""),
  );
  return EXIT.ok;
}

/** What may follow the words: sub-commands, resources where one is wanted, choices of an option, and flags. */
function candidatesAfter(program: Command, words: readonly string[]): readonly string[] {
  let command = program;
  let positionals = 0;
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (next !== undefined && positionals === 0) command = next;
    else if (!word.startsWith("-")) positionals += 1;
  }
  const options = [...command.options, ...program.options].filter(({ hidden }) => !hidden);
  const last = options.find(({ short, long }) => [short, long].includes(words.at(-1)));
  if (last?.argChoices !== undefined) return last.argChoices;
  const names = command.commands.map((one) => one.name()).filter((name) => !name.startsWith("_"));
  const argument = command.registeredArguments[positionals];
  const values = argument?.argChoices ?? (argument?.name() === "resource" ? RESOURCES.map(({ plural }) => plural) : []);
  const flags = options.flatMap(({ long }) => (long == null ? [] : [long]));
  return [...names, ...values, ...flags, "--help"];
}
