// The page of the API's document, in a browser and under its policy. (What the page's console says fails the test.)
import { expect, test } from "./support";

test("the_document_is_rendered_by_this_server_alone", async ({ page, baseURL }) => {
  const elsewhere: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(baseURL ?? "") && !request.url().startsWith("data:")) elsewhere.push(request.url());
  });
  await page.goto("/docs#/reservations/post_reservations");
  await expect(page.getByRole("heading", { name: "Sluice" })).toBeVisible();
  await expect(page.getByText("Reserve instances for a window")).toBeVisible();
  await expect(page.getByText("name_taken").first()).toBeVisible();
  expect(elsewhere).toEqual([]);
});
