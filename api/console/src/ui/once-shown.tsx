// A secret that the API tells this once.
import { useState } from "react";

export function OnceShown({ what, text }: { what: string; text: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div className="once">
      <p>{what} is shown this once. Keep it now.</p>
      <code>{text}</code>
      <button type="button" onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}>
        {copied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
