import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { problemOf } from "./api/problem";
import { session, useToken } from "./api/session";
import { router } from "./app/router";
import { SignIn } from "./app/signin";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/pages.css";

const RETRIES_MAX = 2;

const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 30_000, retry: (count, error) => count < RETRIES_MAX && problemOf(error).retryable },
  },
});

// The next principal must see nothing of the last one's.
session.subscribe(() => {
  if (session.token() === null) queries.clear();
});

function App() {
  const token = useToken();
  return token === null ? <SignIn /> : <RouterProvider router={router} />;
}

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
