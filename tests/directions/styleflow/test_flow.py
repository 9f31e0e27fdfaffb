"""StyleFlow's flow: golden values of the official code, and its laws."""

import pytest
import torch

from directions.styleflow.flow import ConditionalFlow, FlowConfig, MovingBatchNorm
from directions.styleflow.official import COUNTERS, from_official, official_names, to_official
from semedit.errors import CheckpointError, LatentError
from tests.golden import check, fill, fill_state


def rule_flow(key: str) -> tuple[float, float]:
    """Rule table F."""
    if key.endswith(("step", "_num_evals")):
        return 0.0, 0.0
    if key.endswith(("sqrt_end_time", "running_var")):
        return 1.0, 0.0 if key.endswith("time") else 0.1
    if key.endswith("_layer.weight"):
        return 0.0, 0.04
    return 0.0, 0.1


@pytest.fixture(scope="module")
def golden():
    return from_official(fill_state(to_official(ConditionalFlow(FlowConfig())), rule_flow), "golden")


@pytest.fixture(scope="module")
def rows():
    return fill(5000, (1, 18, 512)), fill(5001, (1, 17))


def small_flow(seed: int = 0, **sizes) -> ConditionalFlow:
    torch.manual_seed(seed)
    flow = ConditionalFlow(FlowConfig(**{"dim": 6, "attributes": 2, "layers": 3, **sizes})).eval()
    with torch.no_grad():
        for parameter in flow.parameters():
            if parameter.dim():
                parameter.normal_(0, 0.3)
        for norm in (flow.before, flow.after):
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.5, 2)
    return flow.requires_grad_(False)


class TestGolden:
    def test_sizes(self, golden):
        assert sum(p.numel() for p in golden.parameters()) == 1_691_649
        assert len(to_official(golden)) == 42

    def test_the_first_norm(self, golden, rows):
        check(golden.before(rows[0]), 0.003276, 1.019957, [1.04427, -1.058121, 1.146369, -1.042354, 0.879772])

    def test_the_field(self, golden, rows):
        velocity = golden.field(torch.tensor(0.3), rows[1], rows[0])
        check(velocity, 0.032849, 0.500414, [-0.617573, 0.060401, -0.618748, -0.626673, 0.150094])

    def test_there_and_back(self, golden, rows):
        x, attributes = rows
        u = golden.encode(x, attributes)
        check(u, 0.021729, 1.154927, [0.305174, -0.914562, 0.403449, -1.731814, 0.969532], tolerance=2e-4)
        assert (golden.decode(u, attributes) - x).abs().max() < 1e-3
        changed = attributes.clone()
        changed[0, 16] += 1
        edited = golden.decode(u, changed)
        check(edited, 0.001742, 1.00011, [0.857413, -1.196482, 0.971343, -1.459736, 0.746352], tolerance=2e-4)


class TestLaws:
    def test_rows_and_codes_are_mapped_by_themselves(self):
        flow = small_flow()
        x, attributes = torch.randn(3, 4, 6), torch.randn(3, 2)
        u = flow.encode(x, attributes)
        order = torch.tensor([2, 0, 3, 1])
        torch.testing.assert_close(flow.encode(x[:, order], attributes), u[:, order], rtol=1e-4, atol=1e-4)
        for index in range(3):
            one = slice(index, index + 1)
            torch.testing.assert_close(flow.encode(x[one], attributes[one]), u[one], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(flow.decode(u, attributes), x, rtol=1e-3, atol=1e-3)

    def test_no_time_is_the_identity_between_the_norms(self):
        flow = small_flow()
        flow.sqrt_end_time.zero_()
        x = torch.randn(2, 3, 6)
        u = flow.encode(x, torch.zeros(2, 2))
        torch.testing.assert_close(u, flow.after(flow.before(x)))
        volume = flow.before.log_scale().sum() + flow.after.log_scale().sum()
        density = torch.distributions.Normal(0, 1).log_prob(u).sum(-1) + volume
        torch.testing.assert_close(flow.log_prob(x, torch.zeros(2, 2)), density)

    def test_a_field_of_zero_moves_nothing(self):
        flow = small_flow()
        last = flow.field.layers[-1]
        for tensor in (last.linear.weight, last.linear.bias, last.shift.weight):
            tensor.zero_()
        x = torch.randn(2, 3, 6)
        torch.testing.assert_close(flow.encode(x, torch.randn(2, 2)), flow.after(flow.before(x)))

    def test_a_norm_that_does_nothing(self):
        norm = MovingBatchNorm(4).eval()
        norm.running_var.fill_(1 - 1e-4)
        x = torch.randn(5, 2, 4)
        torch.testing.assert_close(norm(x), x)

    def test_the_norm_uses_the_statistics_from_before_the_batch(self):
        norm, x = MovingBatchNorm(4).train(), torch.randn(50, 2, 4) * 3 + 1
        torch.testing.assert_close(norm(x), x / (1 + 1e-4) ** 0.5)
        torch.testing.assert_close(norm.running_mean, 0.1 * x.flatten(0, 1).mean(0))
        torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * x.flatten(0, 1).var(0))

    def test_the_density_is_that_of_the_change_of_variables(self):
        flow = small_flow(dim=3)
        x, attributes = torch.randn(1, 1, 3), torch.randn(1, 2)
        jacobian = torch.autograd.functional.jacobian(lambda y: flow.encode(y, attributes), x).reshape(3, 3)
        u = flow.encode(x, attributes)
        exact = torch.distributions.Normal(0, 1).log_prob(u).sum() + jacobian.det().abs().log()
        # One probe a basis vector, scaled: their average is the trace itself.
        probes = torch.eye(3).reshape(3, 1, 1, 3) * 3**0.5
        found = torch.stack([flow.log_prob(x, attributes, probe) for probe in probes]).mean()
        assert found.item() == pytest.approx(exact.item(), abs=2e-3)
        drawn = torch.stack([flow.log_prob(x, attributes) for _ in range(300)])
        assert drawn.mean().item() == pytest.approx(exact.item(), abs=4 * drawn.std().item() / 300**0.5 + 2e-3)

    def test_learning_a_gaussian(self):
        torch.manual_seed(0)
        flow = ConditionalFlow(FlowConfig(dim=2, attributes=1, layers=2, tolerance=1e-3)).train()
        optimiser = torch.optim.Adam(flow.parameters(), lr=1e-2)
        losses = []
        for _ in range(60):
            attributes = torch.randint(0, 2, (64, 1)).float()
            x = torch.randn(64, 1, 2) * 0.5 + 2 * attributes[:, None]
            loss = -flow.log_prob(x, attributes).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        assert sum(losses[-5:]) / 5 < sum(losses[:5]) / 5 - 1


class TestFiles:
    def test_official_names_cover_everything(self):
        flow = small_flow()
        assert set(official_names(flow.config).values()) == set(flow.state_dict())
        again = from_official(to_official(flow), "x")
        assert all(
            torch.equal(a, b) for a, b in zip(flow.state_dict().values(), again.state_dict().values(), strict=True)
        )

    def test_other_files_are_refused(self):
        state = to_official(small_flow())
        with pytest.raises(CheckpointError, match="not a StyleFlow"):
            from_official({"weight": torch.zeros(1)}, "x.pt")
        del state["chain.0.bias"]
        with pytest.raises(CheckpointError, match=r"missing, such as 'before\.bias'"):
            from_official(state, "x.pt")
        assert set(COUNTERS) <= set(state)

    def test_other_shapes_are_refused(self):
        with pytest.raises(LatentError, match=r"takes \(B, L, 6\) with \(B, 2\)"):
            small_flow().encode(torch.zeros(1, 6), torch.zeros(1, 2))
