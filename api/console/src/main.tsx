import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { askedAgainAfter_ms, isTriedAgain, triedAgainAfter_ms } from "./api/problem";
import { session, useSession, useTrouble } from "./api/session";
import { router } from "./app/router";
import { SignIn } from "./app/signin";
import { Unreachable } from "./app/unreachable";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/pages.css";
import "./styles/forms.css";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: isTriedAgain,
      retryDelay: triedAgainAfter_ms,
      refetchInterval: ({ state }) => state.status === "error" && askedAgainAfter_ms(state.error),
    },
  },
});

// The next principal must see nothing of the last one's.
session.subscribe(() => {
  if (session.state() !== "in") queries.clear();
});

function App() {
  const state = useSession();
  const trouble = useTrouble();
  if (state === "unknown") return trouble === null ? null : <Unreachable problem={trouble} />; // null: for one request
  return state === "out" ? <SignIn /> : <RouterProvider router={router} />;
}

void session.resume();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
