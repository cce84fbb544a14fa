import { useState, type ReactNode } from "react";

interface Props {
  title: string;
  children?: ReactNode;
}

/** A box with a title. */
export function Box({ title, children }: Props) {
  const [open, setOpen] = useState<boolean>(false);
  return (
    <section onClick={() => setOpen(!open)}>
      <h1>{title}</h1>
      {open && children}
    </section>
  );
}

export default () => <Box title="a" />;
