// Another sluice-api on the stack's database, for a spec to kill and to start again.
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { expect } from "@playwright/test";

/** What tests/e2e/run says of it. */
export interface ReplicaSettings {
  program: string;
  environment: Record<string, string>;
  log: string;
  url: string;
  admin_url: string;
}

interface Running {
  child: ChildProcess;
  /** Its status, the signal that ended it, or why it could not be started. */
  ended: Promise<number | string>;
}

/** As long as the harness gives a daemon (tests/integration/stack.py). */
const READY_WITHIN_MS = 60_000;

export class Replica {
  private running: Running | null = null;

  constructor(private readonly settings: ReplicaSettings) {}

  get url(): string {
    return this.settings.url;
  }

  async start(): Promise<void> {
    const { program, environment, log, admin_url } = this.settings;
    const file = openSync(log, "a");
    const child = spawn(program, { env: environment, stdio: ["ignore", file, file] });
    closeSync(file);
    const ended = endOf(child);
    this.running = { child, ended };
    const tooEarly = ended.then((how): never => {
      throw new Error(`${program} ended with ${how} (see ${log})`);
    });
    const answers = (): Promise<boolean> =>
      fetch(`${admin_url}/readyz`)
        .then(({ ok }) => ok)
        .catch(() => false);
    const isReady = (): Promise<boolean> => Promise.race([tooEarly, answers()]);
    const message = `${program} is ready (see ${log})`;
    await expect.poll(isReady, { message, timeout: READY_WITHIN_MS }).toBe(true);
  }

  /** As a crash: nothing is flushed or said. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** In order: what sanitizers found would show in the status. */
  async stop(): Promise<void> {
    expect(await this.end("SIGTERM"), `status of ${this.settings.program} (see ${this.settings.log})`).toBe(0);
  }

  private async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | string> {
    const running = this.running;
    if (running === null) return 0;
    this.running = null;
    running.child.kill(signal);
    return running.ended;
  }
}

/** Listened for from the start on: the end is told only once, and it may come before anybody waits for it. */
function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.on("exit", (status, signal) => resolve(status ?? String(signal)));
    child.on("error", ({ message }) => resolve(message));
  });
}
