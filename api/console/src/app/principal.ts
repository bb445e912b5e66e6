// Who is signed in, for everything below the shell, which shows pages only once this is known.
import { createContext, useContext } from "react";
import type { Me } from "../api/model";

export const PrincipalContext = createContext<Me | null>(null);

export function usePrincipal(): Me {
  const me = useContext(PrincipalContext);
  if (me === null) throw new Error("usePrincipal is for pages inside the shell");
  return me;
}
