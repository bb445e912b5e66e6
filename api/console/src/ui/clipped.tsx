// A text of any length in a cell: what does not fit is cut for the eye, whole for the pointer and for who listens.
export function Clipped({ text }: { text: string }) {
  return (
    <span className="clipped" title={text}>
      {text}
    </span>
  );
}
