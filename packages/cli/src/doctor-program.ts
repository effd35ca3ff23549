import type { ConnectOptions, MqttClient } from 'mqtt-kit';
import { connectionPlan, withAskedPassword } from './connection-options.ts';
import { type DoctorReport, examine, findingLine } from './doctor.ts';
import { ExitCode, exitCodeOf } from './exit-codes.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import type { StandardOutput } from './standard-output.ts';

/** Runs `--doctor`; resolves with the exit code: 0 when nothing failed. Throws `UsageError`. */
export async function doctorProgram(
  args: ParsedArguments,
  connect: (url: string, options: ConnectOptions) => Promise<MqttClient>,
  output: StandardOutput,
): Promise<number> {
  const { connection: plan } = await withAskedPassword({
    connection: connectionPlan(args, process.env),
  });
  const form = args.text('output');
  const asJson = form === 'json' || form === 'ndjson';
  const report = await examine(plan, connect, (finding) => {
    if (!asJson) output.write(`${findingLine(finding)}\n`);
  });
  if (asJson) {
    const { url, findings } = report;
    const text = JSON.stringify({ url, findings }, undefined, form === 'json' ? 2 : undefined);
    output.write(`${text}\n`);
  }
  await output.flushed();
  // That nobody reads on changes nothing about the server.
  return exitCode(report);
}

function exitCode({ findings, error }: DoctorReport): number {
  if (findings.every(({ ok }) => ok)) return ExitCode.done;
  const code = (error as { code?: string } | undefined)?.code;
  // What is no error of the client is one of the way there.
  const known = error !== undefined && code !== undefined && /^[a-z]/.test(code);
  return known ? exitCodeOf(error, 'mqtt-sub') : ExitCode.unreachable;
}
