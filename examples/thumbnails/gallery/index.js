/* A function URL: a page to upload a picture to, and the thumbnail that the Python function makes of it. */

import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";

const lambda = new LambdaClient({});
const PAGE = `<!doctype html><meta charset="utf-8"><title>Thumbnails</title>
<style>body{font:16px system-ui;margin:10vh auto;max-width:32rem}img{display:block;margin-top:1rem;max-width:100%}</style>
<h1>Thumbnails</h1><p>Choose a picture.</p><input type="file" accept="image/*"><img hidden>
<script>
const [input, image] = [document.querySelector("input"), document.querySelector("img")];
input.onchange = async () => {
  const answer = await fetch("?width=320", { method: "POST", body: input.files[0] });
  if (!answer.ok) return alert(await answer.text());
  image.src = URL.createObjectURL(await answer.blob());
  image.hidden = false;
};
</script>`;

export const handler = async (event) => {
  if (event.requestContext.http.method !== "POST") {
    return { statusCode: 200, headers: { "Content-Type": "text/html; charset=utf-8" }, body: PAGE };
  }
  const image = event.isBase64Encoded ? event.body : Buffer.from(event.body ?? "").toString("base64");
  const width = Number(event.queryStringParameters?.width ?? 320);
  console.log("resizing to", width);
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: process.env.THUMBNAIL_FUNCTION, Payload: JSON.stringify({ image, width }) }),
  );
  const result = JSON.parse(Buffer.from(answer.Payload).toString());
  if (answer.FunctionError) {
    return { statusCode: 422, headers: { "Content-Type": "text/plain" }, body: result.errorMessage };
  }
  return { statusCode: 200, headers: { "Content-Type": "image/jpeg" }, body: result.image, isBase64Encoded: true };
};
