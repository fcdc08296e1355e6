"""Actions that ask another service to act: AWX, GitHub, the provider of a feature flag."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.catalog import Catalog, Service
from bot.errors import EffectFailed, EffectUnknown, Misconfigured, PreconditionFailed, RemediationError
from bot.remediation.awx import LaunchJob
from bot.remediation.flags import SEMANTIC_PATCH, TurnFlag, provider_of
from bot.remediation.github import DispatchWorkflow
from bot.settings.targets import AwxJob, AwxSettings, FeatureFlag, GithubSettings, GithubWorkflow
from tests.unit.remediation.api import Answer, Api, Asked

CATALOG = Catalog(services={"shop": Service()})
TOKEN = SecretStr("t0ken")


async def at_once(_: float) -> None:
    """No pause, but a moment for a time limit to strike."""
    await asyncio.sleep(0)


class Awx:
    """One template; each job of it runs for two looks and ends as `ends` says."""

    def __init__(self, *ends: str) -> None:
        self.ends = list(ends)
        self.looks: dict[int, int] = {}
        self.about: dict[str, Any] = {"variables_needed_to_start": ["host"], "ask_job_type_on_launch": True}
        self.api = Api(self.serve)

    def serve(self, asked: Asked) -> Answer:
        if asked.path == "/api/v2/job_templates/7/launch/":
            if asked.method == "GET":
                return 200, self.about
            number = 40 + len(self.looks)
            self.looks[number] = 0
            return 201, {"job": number}
        number = int(asked.path.split("/")[-2])
        self.looks[number] += 1
        return 200, {"status": "running" if self.looks[number] < 2 else self.ends[number - 40]}

    def action(self, **job: Any) -> LaunchJob:
        job = {"template_id": 7, "variables": {"host": "web-[0-9]"}, "effect": "{host} is drained.", **job}
        described = AwxJob.model_validate(job)
        settings = AwxSettings(url="https://awx.example.com", token_env="AWX", jobs={"drain": described})
        return LaunchJob(CATALOG, settings, TOKEN, self.api, pause=at_once)


DRAIN = {"job": "drain", "variables": {"host": "web-1"}}


async def test_a_job_is_launched_once_and_its_end_is_waited_for() -> None:
    awx = Awx("successful")
    action = awx.action()
    params = action.accept(DRAIN)
    await action.check(params)
    assert await action.perform(params, "i.1") == "Job 40 (drain) was successful."
    [launch] = awx.api.changes
    assert launch.body == {"extra_vars": {"host": "web-1", "nightdesk_proposal": "i.1"}}


async def test_a_dry_run_that_fails_is_the_end_of_it() -> None:
    awx = Awx("failed")
    action = awx.action(dry_run=True)
    with pytest.raises(EffectFailed, match="dry run, job 40, ended as failed"):
        await action.perform(action.accept(DRAIN), "i.1")
    assert [launch.body["job_type"] for launch in awx.api.changes] == ["check"]


async def test_after_a_good_dry_run_the_job_itself_runs() -> None:
    awx = Awx("successful", "successful")
    action = awx.action(dry_run=True)
    assert "after dry run 40" in await action.perform(action.accept(DRAIN), "i.1")
    assert [launch.body["job_type"] for launch in awx.api.changes] == ["check", "run"]


async def test_a_job_that_fails_may_have_done_its_first_half() -> None:
    action = Awx("failed").action()
    with pytest.raises(EffectUnknown, match="stays done"):
        await action.perform(action.accept(DRAIN), "i.1")


async def test_a_template_that_asks_for_more_is_not_launched() -> None:
    awx = Awx()
    awx.about["variables_needed_to_start"] = ["host", "password"]
    action = awx.action()
    with pytest.raises(PreconditionFailed, match="also asks for"):
        await action.check(action.accept(DRAIN))


@pytest.mark.parametrize("host", ["web-1; rm -rf /", "web-１", "{{ lookup('pipe','id') }}", "web-1\n", "x" * 300])
def test_a_variable_must_match_its_pattern_whole(host: str) -> None:
    with pytest.raises(RemediationError):
        Awx().action().accept({"job": "drain", "variables": {"host": host}})


TEMPLATES = ["{{ lookup('pipe','id') }}", "a{%if x%}", "{#", "x{{", "{{nightdesk_proposal}}"]


@pytest.mark.parametrize("host", TEMPLATES)
def test_a_template_in_a_variable_is_refused_however_much_its_pattern_lets_through(host: str) -> None:
    """Ansible evaluates what looks like a template in extra variables, and `lookup` in it runs programs."""
    with pytest.raises(RemediationError, match="holds a template"):
        Awx().action(variables={"host": ".*"}).accept({"job": "drain", "variables": {"host": host}})


@pytest.mark.parametrize(
    "given",
    [
        {"host": "web-1", "ansible_connection": "local"}, {"host": "web-1", "nightdesk_proposal": "i.9"},
        {"host": "web-1", "hоst": "web-2"}, {"Host": "web-1"}, {"host": ["web-1"]}, {"host": {"a": 1}}, {"host": True},
        {},
    ],
)  # fmt: skip
def test_the_variables_are_exactly_those_of_the_job(given: dict[str, object]) -> None:
    """None that steers Ansible itself, none that the bot sets, no second one of nearly the same name."""
    with pytest.raises(RemediationError):
        Awx().action().accept({"job": "drain", "variables": given})


async def test_what_marks_the_job_cannot_be_chosen_even_where_the_settings_name_it() -> None:
    awx = Awx("successful")
    action = awx.action(variables={"host": ".*", "nightdesk_proposal": ".*"})
    given = {"job": "drain", "variables": {"host": "web-1", "nightdesk_proposal": "another"}}
    await action.perform(action.accept(given), "i.1")
    [launch] = awx.api.changes
    assert launch.body["extra_vars"]["nightdesk_proposal"] == "i.1"


@pytest.mark.parametrize("job", ["drаin", "drain ", "DRAIN", "drain/../../users/1", "7", ""])
def test_a_job_is_one_of_those_that_are_named(job: str) -> None:
    with pytest.raises(RemediationError):
        Awx().action().accept({"job": job, "variables": {"host": "web-1"}})


def test_a_pattern_that_cannot_be_read_is_told_at_start() -> None:
    settings = AwxSettings(
        url="https://x", token_env="A", jobs={"j": AwxJob(template_id=1, variables={"a": "("}, effect="x")}
    )
    with pytest.raises(Misconfigured, match="unreadable pattern"):
        LaunchJob(CATALOG, settings, TOKEN)


class Github:
    """One workflow, whose runs are named by the proposal; the order's run appears at the second look."""

    def __init__(
        self, conclusion: str = "success", *, key_input: str | None = "proposal", timeout_s: float = 5, **changed: Any
    ) -> None:
        self.state, self.conclusion = "active", conclusion
        self.looks = 0
        self.api = Api(self.serve)
        workflow = GithubWorkflow(
            repository="acme/shop", workflow="rollback.yml", key_input=key_input, timeout_s=timeout_s,
            effect="Release {release} is deployed.", rollback="Start it with the newer release.", service="shop",
            **{"inputs": {"release": r"v\d+"}, **changed},
        )  # fmt: skip
        settings = GithubSettings(token_env="GH", workflows={"rollback": workflow})
        self.action = DispatchWorkflow(CATALOG, settings, TOKEN, self.api, pause=at_once)

    def runs(self) -> list[dict[str, Any]]:
        others = {"display_title": "Roll back i.10", "status": "completed", "conclusion": "success", "run_number": 7}
        state = ["queued", "in_progress"][min(self.looks - 1, 1)] if self.looks < 4 else "completed"
        ours = {"display_title": "Roll back for i.1", "status": state, "conclusion": self.conclusion, "run_number": 8}
        return [others, ours] if self.looks > 1 else [others]

    def serve(self, asked: Asked) -> Answer:
        assert asked.path.startswith("/repos/acme/shop/actions/workflows/rollback.yml")
        if asked.path.endswith("/runs"):
            assert asked.params["event"] == "workflow_dispatch"
            self.looks += 1
            return (502, {}) if self.looks == 2 else (200, {"workflow_runs": self.runs()})
        return (204, None) if asked.method == "POST" else (200, {"state": self.state})


RELEASE = {"workflow": "rollback", "inputs": {"release": "v41"}}


async def test_without_an_input_for_the_proposals_id_the_order_is_all_that_is_known() -> None:
    github = Github(key_input=None)
    params = github.action.accept(RELEASE)
    assert github.action.effect(params) == "Release v41 is deployed."
    await github.action.check(params)
    assert "took the order" in await github.action.perform(params, "i.1")
    [dispatch] = github.api.changes
    assert dispatch.body == {"ref": "main", "inputs": {"release": "v41"}}
    assert github.looks == 0


async def test_the_conclusion_of_the_run_that_is_named_by_the_proposal_is_the_outcome() -> None:
    github = Github()
    outcome = await github.action.perform(github.action.accept(RELEASE), "i.1")
    assert outcome == "Run 8 of rollback.yml in acme/shop was successful."
    [dispatch] = github.api.changes
    assert dispatch.path.endswith("/dispatches")
    assert dispatch.body == {"ref": "main", "inputs": {"release": "v41", "proposal": "i.1"}}


@pytest.mark.parametrize("conclusion", ["failure", "cancelled", "timed_out"])
async def test_a_run_that_failed_is_a_doubt_and_another_ones_success_does_not_count(conclusion: str) -> None:
    github = Github(conclusion)
    with pytest.raises(EffectUnknown, match=f"Run 8 .* ended as {conclusion}"):
        await github.action.perform(github.action.accept(RELEASE), "i.1")


async def test_a_run_that_is_not_named_by_the_proposal_is_a_doubt_in_the_end() -> None:
    github = Github(timeout_s=0.05)
    with pytest.raises(EffectUnknown, match="give the workflow a `run-name` with proposal"):
        await github.action.perform(github.action.accept(RELEASE), "i.2")
    assert len(github.api.changes) == 1


async def test_a_workflow_that_is_switched_off_is_not_dispatched() -> None:
    github = Github()
    github.state = "disabled_manually"
    with pytest.raises(PreconditionFailed, match="disabled_manually"):
        await github.action.check(github.action.accept({"workflow": "rollback", "inputs": {"release": "v41"}}))


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"release": "v41", "proposal": "i.9"}, "does not take proposal"),
        ({"release": "v41", "ref": "evil"}, "does not take ref"),
        ({"release": "v41\n- run: id"}, "line feed|without a name"),
        ({"release": "v４1"}, "fullwidth digit four"),
        ({"release": "v41 "}, "does not match"),
        ({"release": ["v41"]}, "must be a text or a whole number"),
        ({}, "needs release"),
    ],
)
def test_the_inputs_are_exactly_those_of_the_workflow(inputs: dict[str, object], why: str) -> None:
    """Not the input that names the run, not the branch, nothing after the release."""
    with pytest.raises(RemediationError, match=why):
        Github().action.accept({"workflow": "rollback", "inputs": inputs})


def test_an_expression_in_an_input_is_refused_however_much_its_pattern_lets_through() -> None:
    github = Github(inputs={"release": ".*"})
    with pytest.raises(RemediationError, match="holds an expression"):
        github.action.accept({"workflow": "rollback", "inputs": {"release": "${{ secrets.DEPLOY_KEY }}"}})


@pytest.mark.parametrize(
    "workflow",
    [
        {"repository": "acme/../../orgs/acme"}, {"repository": ".."}, {"repository": "acme/shop?x=1"},
        {"repository": "acme/shop/actions"}, {"repository": "acme/.."}, {"repository": "аcme/shop"},
        {"workflow": "../dispatches.yml"}, {"workflow": "rollback.yml\n"}, {"workflow": "..yml"},
        {"workflow": "x.yml/../y"},
    ],
)  # fmt: skip
def test_a_repository_and_a_file_are_names_and_no_paths(workflow: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        GithubWorkflow.model_validate({"repository": "acme/shop", "workflow": "x.yml", "effect": "x", **workflow})


@pytest.mark.parametrize("place", ["project", "environment", "key"])
@pytest.mark.parametrize("name", ["..", "a/../b", "a?x=1", "a b", "a%2e", "ключ"])
def test_what_a_flag_is_called_is_a_name_and_no_path(place: str, name: str) -> None:
    flag = {"provider": "unleash", "url": "https://x", "token_env": "F", "environment": "production", "key": "new"}
    with pytest.raises(ValidationError):
        FeatureFlag.model_validate({**flag, place: name})


@pytest.mark.parametrize(
    "address", ["https://k8s@evil.example", "https://k8s%2f.example", "http://127.0.0.1:99999", "k8s"]
)
def test_an_address_that_may_be_read_in_two_ways_is_told_at_start(address: str) -> None:
    settings = AwxSettings(url=address, token_env="A", jobs={"j": AwxJob(template_id=1, effect="x")})
    with pytest.raises(Misconfigured, match="The address of AWX must be one absolute address"):
        LaunchJob(CATALOG, settings, TOKEN)


class Flags:
    """One flag at one provider."""

    def __init__(self, provider: str) -> None:
        self.on = True
        self.api = Api(self.launchdarkly if provider == "launchdarkly" else self.unleash)
        flag = FeatureFlag.model_validate(
            {"provider": provider, "url": "https://flags.example.com", "token_env": "F", "environment": "production",
             "key": "new-checkout", "service": "shop"}
        )  # fmt: skip
        self.action = TurnFlag(CATALOG, {"checkout": provider_of("checkout", flag, TOKEN, self.api)})

    def launchdarkly(self, asked: Asked) -> Answer:
        assert asked.path == "/api/v2/flags/default/new-checkout"
        if asked.method == "PATCH":
            assert asked.headers["Content-Type"] == SEMANTIC_PATCH
            assert asked.body["environmentKey"] == "production"
            if asked.params.get("dryRun") != "true":
                self.on = asked.body["instructions"] == [{"kind": "turnFlagOn"}]
        return 200, {"environments": {"production": {"on": self.on}}}

    def unleash(self, asked: Asked) -> Answer:
        path = "/api/admin/projects/default/features/new-checkout"
        if asked.method == "POST":
            assert asked.path == f"{path}/environments/production/off"
            self.on = False
            return 200, None
        return 200, {"environments": [{"name": "production", "enabled": self.on}]}


@pytest.mark.parametrize("provider", ["launchdarkly", "unleash"])
async def test_a_flag_is_turned_and_seen_to_be_so(provider: str) -> None:
    flags = Flags(provider)
    params = await flags.action.pinned(flags.action.accept({"flag": "checkout", "on": False}))
    assert (params.seen_on, flags.action.rollback(params)) == (True, "Turn it on again.")
    await flags.action.check(params)
    rehearsal = await flags.action.rehearse(params)
    assert (rehearsal is not None, flags.on) == (provider == "launchdarkly", True)
    await flags.action.perform(params, "i.1")
    assert flags.on is False
    [measure] = flags.action.checks(params).values()
    assert await measure() == 0.0
    with pytest.raises(PreconditionFailed, match="off already"):
        await flags.action.check(params)


@pytest.mark.parametrize("on", ["true", 1, None])
def test_on_or_off_is_nothing_else(on: object) -> None:
    with pytest.raises(RemediationError):
        Flags("unleash").action.accept({"flag": "checkout", "on": on})
