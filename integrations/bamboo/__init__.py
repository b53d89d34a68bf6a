"""Bamboo: builds and deployments by webhook, and more about what failed over its REST interface."""

from hub.contracts import Integration
from integrations.bamboo import source
from integrations.bamboo.follow_up import FETCHING
from integrations.bamboo.reading import BambooOptions

LABELS = {
    "project": "the project's key; of a deployment the deployment project's name or number",
    "plan": "the plan's key, `WEB-MAIN`; of a plan's branch its own, of a job with the job",
    "result": "the key of the result, `WEB-MAIN-214`; of a deployment its number",
    "number": "the number of the build",
    "state": "Successful, Failed, or as Bamboo calls it",
    "trigger": "why it ran, as Bamboo says it: `Changes by Alice`",
    "branch": "the branch, where Bamboo says it",
    "repo": "the repository, where there is one",
    "head_sha": "the commit that was built",
    "environment": "where it was deployed to",
    "version": "what was deployed",
}
KINDS = {"build": "a plan, a plan's branch or a job", "deploy": "a deployment to an environment"}

INTEGRATION = Integration(
    title="Bamboo",
    homepage="https://www.atlassian.com/software/bamboo",
    source=source,
    options=BambooOptions,
    settings=("API_KEY", "API_URL"),
    labels=LABELS,
    kinds=KINDS,
    fetching=FETCHING,
)
