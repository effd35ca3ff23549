/** Which process of which system somebody is, and whether it still runs. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot at which the process started; `''` where the platform does not tell. */
  readonly startedAt: string;
  /** Of the kernel it runs on; `''` where the platform does not tell. */
  readonly boot: string;
  readonly host: string;
  /** Within which its process number means something; `''` where there is only one. */
  readonly namespace: string;
}

/** A process that this one can see, from its number. */
export function describeProcess(pid: number): ProcessIdentity {
  return {
    pid,
    startedAt: processStart(pid),
    boot: readText('/proc/sys/kernel/random/boot_id'),
    host: hostname(),
    namespace: pidNamespace(),
  };
}

/**
 * Whether a process runs; `unseen` when it is of this machine and has another namespace of process numbers, `away` when
 * it belongs to another machine. A machine of the same name that was started again since is not another one.
 */
export function lifeOf(owner: ProcessIdentity): 'runs' | 'over' | 'unseen' | 'away' {
  const now = describeProcess(owner.pid);
  if (owner.boot !== now.boot) return owner.host === now.host ? 'over' : 'away';
  if (owner.namespace !== now.namespace) return 'unseen';
  return isRunning(owner.pid) && now.startedAt === owner.startedAt ? 'runs' : 'over';
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of Linux' stat; the second field, the program's name, may hold blanks and brackets. */
function processStart(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
