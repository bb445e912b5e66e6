// A secret, shown this once: nobody can be asked for it again.
import { useState } from "react";

export function Secret({ what, text }: { what: string; text: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div className="secret">
      <p className="notice">Copy {what} now: it is shown this once and kept nowhere.</p>
      <code tabIndex={0}>{text}</code>
      <button type="button" onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}>
        {copied ? "Copied" : "Copy"}
      </button>
      <span role="status" className="hidden">
        {copied && "Copied"}
      </span>
    </div>
  );
}
