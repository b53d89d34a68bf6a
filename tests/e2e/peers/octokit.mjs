// Signs and verifies with GitHub's own library what it reads from stdin: [{secret, body, signature}, …].
import { text } from "node:stream/consumers";
import { Webhooks } from "@octokit/webhooks";

const answers = [];
for (const { secret, body, signature } of JSON.parse(await text(process.stdin))) {
  const webhooks = new Webhooks({ secret });
  answers.push({ signature: await webhooks.sign(body), valid: await webhooks.verify(body, signature) });
}
console.log(JSON.stringify(answers));
