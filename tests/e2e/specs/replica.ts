// Another sluice-api on the stack's database, for a spec to kill and to start again.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
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

export class Replica {
  private child: ChildProcess | null = null;

  constructor(private readonly settings: ReplicaSettings) {}

  get url(): string {
    return this.settings.url;
  }

  async start(): Promise<void> {
    const { program, environment, log, admin_url } = this.settings;
    const file = openSync(log, "a");
    this.child = spawn(program, { env: environment, stdio: ["ignore", file, file] });
    closeSync(file);
    const isReady = (): Promise<boolean> =>
      fetch(`${admin_url}/readyz`)
        .then(({ ok }) => ok)
        .catch(() => false);
    await expect.poll(isReady, { message: `${program} is ready (see ${log})` }).toBe(true);
  }

  /** As a crash: nothing is flushed or said. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** In order: what sanitizers found would show in the status. */
  async stop(): Promise<void> {
    expect(await this.end("SIGTERM"), `status of ${this.settings.program} (see ${this.settings.log})`).toBe(0);
  }

  private async end(signal: "SIGKILL" | "SIGTERM"): Promise<unknown> {
    const child = this.child;
    if (child === null) return 0;
    this.child = null;
    const ended = once(child, "exit");
    child.kill(signal);
    const [status] = (await ended) as [number | null];
    return status;
  }
}
