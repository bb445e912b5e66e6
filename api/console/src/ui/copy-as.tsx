// What one is about to do, or looks at, as a command to take along.
import { useState } from "react";
import type { Ask } from "../api/change";
import { cliOf, curlOf } from "../api/commands";

const SAID_FOR_MS = 2000;

export function CopyAs({ ask }: { ask: Ask }) {
  const [copied, setCopied] = useState<string | null>(null);
  const cli = cliOf(ask);
  async function copy(name: string, text: string): Promise<void> {
    await navigator.clipboard.writeText(text);
    setCopied(name);
    setTimeout(() => setCopied(null), SAID_FOR_MS);
  }
  return (
    <span className="copy-as">
      <button type="button" className="quiet small" onClick={() => void copy("curl", curlOf(ask, location.origin))}>
        Copy as curl
      </button>
      {cli !== null && (
        <button type="button" className="quiet small" onClick={() => void copy("CLI", cli)}>
          Copy as CLI
        </button>
      )}
      <span role="status" className="fine">
        {copied !== null && `Copied as ${copied}`}
      </span>
    </span>
  );
}
