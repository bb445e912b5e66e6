// A page's heading: names the document and takes the focus, so that a change of page is heard.
import { useEffect, useRef, type ReactNode } from "react";

let isFirstPage = true;

export function Heading({ title, children }: { title: string; children?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // The browser announces the first page by itself.
    if (!isFirstPage) heading.current?.focus();
    isFirstPage = false;
  }, []);
  return (
    <div className="heading">
      <title>{`${title} · Sluice`}</title>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </div>
  );
}
