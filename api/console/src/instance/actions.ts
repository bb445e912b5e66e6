// What is asked of an instance: stop, start, reboot; by whom, and when.
import type { ObjectOf } from "../api/lists";
import { isProvider, type Me } from "../api/model";
import { words } from "../format/text";
import type { Action } from "../ui/action";

export type Instance = ObjectOf<"/v1/instances/{id}">;

const MAY: readonly string[] = ["member", "admin", "operator", "system_admin"];
const OVER: readonly string[] = ["stopping", "terminated", "failed"];
const TOUCHES = ["reservations"] as const;

/** Whoever may use it: the others may not read what its console says, either. */
export function mayUse(me: Me): boolean {
  return MAY.includes(me.role);
}

/** It says nothing more. */
export function isGone({ state }: Instance): boolean {
  return state === "terminated" || state === "failed";
}

interface Deed {
  action: "stop" | "start" | "reboot";
  verb: string;
  /** What has been done then: "stopped". */
  done: string;
  about: string;
  /** In which state it can be asked for. */
  from: Instance["state"];
  /** It ends what runs there. */
  hurts: boolean;
}

const DEEDS: readonly Deed[] = [
  {
    action: "stop",
    verb: "Stop",
    done: "stopped",
    about: "What runs on it ends. It keeps its place, which is paid as long as its reservation lasts.",
    from: "running",
    hurts: true,
  },
  {
    action: "start",
    verb: "Start",
    done: "started",
    about: "It comes up where its place is.",
    from: "stopped",
    hurts: false,
  },
  {
    action: "reboot",
    verb: "Reboot",
    done: "rebooted",
    about: "What runs on it ends, and it comes up again in its place.",
    from: "running",
    hurts: true,
  },
];

function refusalOf(me: Me, { state }: Instance, { from, done }: Deed): string | null {
  if (!mayUse(me)) return `your role, ${words(me.role)}, reads only`;
  if (me.tenant_suspended) return "the tenant is suspended";
  if (OVER.includes(state)) return `it is ${state}`;
  return state === from ? null : `only what is ${from} can be ${done}; it is ${state}`;
}

/** `name`: what its reservation is called; whoever ends what runs types it. */
export function instanceActions(me: Me, instance: Instance, name: string): Action<never>[] {
  return DEEDS.map((deed) => ({
    title: `${deed.verb} instance ${instance.ordinal} of ${name}`,
    verb: deed.verb,
    about: deed.about,
    ask: {
      method: "POST",
      path: isProvider(me) ? "/v1/system/instances/{id}/actions" : "/v1/instances/{id}/actions",
      params: { id: instance.id },
    },
    fixed: { action: deed.action },
    refusal: refusalOf(me, instance, deed),
    touches: TOUCHES,
    ...(deed.hurts && { confirm: name }),
  }));
}
