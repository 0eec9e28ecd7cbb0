#!/usr/bin/env python3
"""The same work in the tools that our users would use otherwise: a yardstick, not a dependency.

  python3 -m venv v && v/bin/pip install numpy scipy jax diffrax safetensors
  v/bin/python peers.py make DIR --sizes 784 128 128 10 --batch 128      # weights, inputs, targets as safetensors
  v/bin/python peers.py scipy|diffrax|jax-dp|jax-bp|jax-ep DIR [options]        # stays, and obeys lines of JSON
  v/bin/python peers.py versions

The benchmark `peers` drives this file. Once compiled, a tool says so with one line, and then answers each line
{"do": "run", "calls": 3, "rtol": 1e-6, "atol": 1e-9}                    mean time of a call (s), compilation left out
{"do": "states", "path": P, ...}                                         final states of the batch, `z`
{"do": "trajectory", "path": P, "times": [...], "rows": 8, ...}          states of the first rows at times in tau, `z.0`, `z.1`, ...
{"do": "gradient", "path": P}                                            the gradient, `W.k` and `b.k`
with one line of JSON. Each call takes the batch from the free state to 40 tau: nudge `mean`, MSE, ReLU hidden, linear
output, tau = 1. States are laid out as dyadsim's: by layer, plus compartments, then minus. jax keeps to single precision;
scipy works in double precision throughout, because it would convert at every right-hand side otherwise.
"""
import argparse, json, os, sys, time

p = argparse.ArgumentParser()
p.add_argument("what", choices=["make", "versions", "scipy", "diffrax", "jax-bp", "jax-dp", "jax-ep"])
p.add_argument("dir", nargs="?", default=".")
p.add_argument("--sizes", type=int, nargs="+", default=[784, 128, 128, 10])
p.add_argument("--batch", type=int, default=128)
p.add_argument("--gain", type=float, default=0.7)
p.add_argument("--alpha", type=float, default=0.0)
p.add_argument("--beta", type=float, default=0.1)
p.add_argument("--variant", default="dp-transpose", choices=["dp", "dp-transpose"])
p.add_argument("--free", type=int, default=200)
p.add_argument("--nudged", type=int, default=50)
p.add_argument("--rtol", type=float, default=1e-6)
p.add_argument("--atol", type=float, default=1e-9)
p.add_argument("--threads", type=int, default=1)
a = p.parse_args()

# XLA does not keep to its own limit, so the process is held to its cores.
for v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[v] = str(a.threads)
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: a.threads]))
if a.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "0"
import numpy as np
from safetensors.numpy import load_file, save_file

END = 40.0  # tau


def versions():
    from importlib.metadata import PackageNotFoundError, version
    found = {"python": sys.version.split()[0]}
    for name in ("numpy", "scipy", "jax", "jaxlib", "diffrax"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def make():
    os.makedirs(a.dir, exist_ok=True)
    r, s, w = np.random.default_rng(0), a.sizes, {}
    for k, (m, n) in enumerate(zip(s[:-1], s[1:]), 1):
        deviation = a.gain * np.sqrt((2 if k < len(s) - 1 else 1) / m)
        w[f"W.{k}"] = (deviation * r.standard_normal((n, m))).astype(np.float32)
        w[f"b.{k}"] = (0.05 * r.standard_normal(n)).astype(np.float32)
    save_file(w, f"{a.dir}/w.safetensors")
    save_file({"x": r.random((a.batch, s[0]), np.float32)}, f"{a.dir}/x.safetensors")
    save_file({"y": np.eye(s[-1], dtype=np.float32)[r.integers(0, s[-1], a.batch)]}, f"{a.dir}/y.safetensors")


if a.what == "versions":
    print(json.dumps(versions()))
    sys.exit()
if a.what == "make":
    make()
    sys.exit()

w = load_file(f"{a.dir}/w.safetensors")
X, Y = load_file(f"{a.dir}/x.safetensors")["x"], load_file(f"{a.dir}/y.safetensors")["y"]
L = len(w) // 2
W, B = [w[f"W.{k}"] for k in range(1, L + 1)], [w[f"b.{k}"] for k in range(1, L + 1)]
ap, am = (a.alpha, 1 - a.alpha) if a.variant == "dp" else (1 - a.alpha, a.alpha)


def rhs(xp, z, U1, W, B, Y):
    """z: list of (v+, v-), each [batch, n_k]; U1 = x W1' + b1 is constant in time."""
    f = lambda v, k: xp.maximum(v, 0) if k < L - 1 else v
    sp = [f(q, k) for k, (q, _) in enumerate(z)]
    sm = [f(q, k) for k, (_, q) in enumerate(z)]
    sb = [a.alpha * q + (1 - a.alpha) * r for q, r in zip(sp, sm)]
    out = []
    for k in range(L):
        u = U1 if k == 0 else sb[k - 1] @ W[k].T + B[k]
        e = (sp[k + 1] - sm[k + 1]) @ W[k + 1] if k < L - 1 else -a.beta * (sb[-1] - Y)
        out.append((u + ap * e - z[k][0], u - am * e - z[k][1]))
    return out


def free(xp, W, B, X):
    h, out = X, []
    for k in range(L):
        v = h @ W[k].T + B[k]
        out.append((v, v))
        h = xp.maximum(v, 0)
    return out


def flat(z, rows=None):
    """States as one matrix of samples by compartments."""
    return np.ascontiguousarray(np.concatenate([np.asarray(q)[:rows] for pair in z for q in pair], axis=1))


class Scipy:
    """RK45, the default of solve_ivp."""

    def __init__(self):
        self.W, self.B = [m.astype(np.float64) for m in W], [b.astype(np.float64) for b in B]
        self.X, self.Y = X.astype(np.float64), Y.astype(np.float64)

    def solve(self, rtol, atol, times=None):
        from scipy.integrate import solve_ivp
        n, widths = len(X), [m.shape[0] for m in W]
        z0 = np.concatenate([q.ravel() for pair in free(np, self.W, self.B, self.X) for q in pair])
        U1 = self.X @ self.W[0].T + self.B[0]

        def parts(z):
            out, i = [], 0
            for m in widths:
                out.append((z[i : i + n * m].reshape(n, m), z[i + n * m : i + 2 * n * m].reshape(n, m)))
                i += 2 * n * m
            return out

        side = lambda t, z: np.concatenate([q.ravel() for pair in rhs(np, parts(z), U1, self.W, self.B, self.Y) for q in pair])
        s = solve_ivp(side, (0, END), z0, method="RK45", rtol=rtol, atol=atol, t_eval=[END] if times is None else times)
        return [parts(s.y[:, i]) for i in range(s.y.shape[1])], int(s.nfev)

    def run(self, rtol, atol):
        self.steps = self.solve(rtol, atol)[1]

    def states(self, rtol, atol):
        return self.solve(rtol, atol)[0][-1]

    def trajectory(self, rtol, atol, times, rows):
        return [flat(z, rows) for z in self.solve(rtol, atol, times)[0]]


class Diffrax:
    """Tsit5 with a PID controller. Tolerances are arguments, so that one compilation serves all."""

    def __init__(self):
        import diffrax as dfx
        import jax, jax.numpy as jnp
        self.jax, self.jnp = jax, jnp

        def solve(rtol, atol, W, B, X, Y, save):
            z0, U1 = free(jnp, W, B, X), X @ W[0].T + B[0]
            term = dfx.ODETerm(lambda t, z, args: rhs(jnp, z, U1, W, B, Y))
            control = dfx.PIDController(rtol=rtol, atol=atol)
            return dfx.diffeqsolve(term, dfx.Tsit5(), 0.0, END, None, z0, stepsize_controller=control, saveat=save, max_steps=4096)

        def end(rtol, atol, W, B, X, Y):
            s = solve(rtol, atol, W, B, X, Y, dfx.SaveAt(t1=True))
            return self.jax.tree_util.tree_map(lambda q: q[-1], s.ys), s.stats["num_steps"]

        def dense(rtol, atol, W, B, X, Y, times, rows):
            save = dfx.SaveAt(ts=times, fn=lambda t, z, args: jax.tree_util.tree_map(lambda q: q[:rows], z))
            return solve(rtol, atol, W, B, X, Y, save).ys

        self.end, self.dense = jax.jit(end), jax.jit(dense, static_argnums=7)
        self.given = ([jnp.array(m) for m in W], [jnp.array(b) for b in B], jnp.array(X), jnp.array(Y))

    def run(self, rtol, atol):
        self.z, steps = self.jax.block_until_ready(self.end(rtol, atol, *self.given))
        self.steps = int(steps)

    def states(self, rtol, atol):
        self.run(rtol, atol)
        return self.z

    def trajectory(self, rtol, atol, times, rows):
        ys = self.dense(rtol, atol, *self.given, self.jnp.array(times, dtype=self.jnp.float32), rows)
        return [flat([(q[i], r[i]) for q, r in ys]) for i in range(len(times))]


class Jax:
    """One gradient, the optimiser left out."""

    def __init__(self, dual):
        import jax, jax.numpy as jnp
        self.jax, self.jnp = jax, jnp
        self.go = jax.jit(self.dual if dual else jax.grad(self.loss))
        self.given = (([jnp.array(m) for m in W], [jnp.array(b) for b in B]), jnp.array(X), jnp.array(Y))

    def loss(self, WB, X, Y):
        h = X
        for k in range(L):
            h = h @ WB[0][k].T + WB[1][k]
            h = self.jnp.maximum(h, 0) if k < L - 1 else h
        return 0.5 * self.jnp.sum((h - Y) ** 2) / len(X)

    def dual(self, WB, X, Y, rounds=5):
        """Layerwise dual propagation."""
        (W, B), jnp = WB, self.jnp
        f = lambda v, k: jnp.maximum(v, 0) if k < L - 1 else v
        s = [(f(q, k), f(r, k)) for k, (q, r) in enumerate(free(jnp, W, B, X))]
        U1 = X @ W[0].T + B[0]
        bar = lambda k: a.alpha * s[k][0] + (1 - a.alpha) * s[k][1]
        for _ in range(rounds):
            for k in list(range(L - 1, -1, -1)) + list(range(1, L)):
                u = U1 if k == 0 else bar(k - 1) @ W[k].T + B[k]
                e = -a.beta * (u - Y) if k == L - 1 else (s[k + 1][0] - s[k + 1][1]) @ W[k + 1]
                s[k] = (f(u + ap * e, k), f(u - am * e, k))
        d = [-(s[k][0] - s[k][1]) / a.beta / len(X) for k in range(L)]
        return [d[k].T @ (X if k == 0 else bar(k - 1)) for k in range(L)], [q.sum(0) for q in d]

    def run(self, rtol, atol):
        self.steps, self.g = 0, self.jax.block_until_ready(self.go(*self.given))

    def gradient(self):
        self.run(None, None)
        named = {f"W.{k}": np.array(m) for k, m in enumerate(self.g[0], 1)}
        return named | {f"b.{k}": np.array(b) for k, b in enumerate(self.g[1], 1)}


class JaxEp(Jax):
    """Centred equilibrium propagation of a layered Hopfield net by the map s <- f(W s + W' s + b), a fixed number of steps
    a phase, as the published codes of EP have it; `f(v) = sigmoid(4 v - 2)` of every layer, squared errors."""

    def __init__(self):
        import jax, jax.numpy as jnp
        self.jax, self.jnp = jax, jnp
        self.go = jax.jit(self.contrast)
        self.given = (([jnp.array(m) for m in W], [jnp.array(b) for b in B]), jnp.array(X), jnp.array(Y))

    def settle(self, WB, X, Y, s, beta, steps):
        (W, B), jnp = WB, self.jnp

        def step(_, s):
            below = [X] + s[:-1]
            u = [below[k] @ W[k].T + B[k] + (s[k + 1] @ W[k + 1] if k < L - 1 else -beta * (s[k] - Y)) for k in range(L)]
            return [self.jax.nn.sigmoid(4 * q - 2) for q in u]

        return self.jax.lax.fori_loop(0, steps, step, s)

    def contrast(self, WB, X, Y):
        jnp = self.jnp
        f0 = float(1 / (1 + np.exp(2.0)))  # all potentials at 0
        s = self.settle(WB, X, Y, [jnp.full((len(X), len(b)), f0) for b in WB[1]], 0.0, a.free)
        up, down = (self.settle(WB, X, Y, s, beta, a.nudged) for beta in (a.beta, -a.beta))
        pre = lambda s, k: X if k == 0 else s[k - 1]
        scale = -0.5 / a.beta / len(X)
        return ([scale * (up[k].T @ pre(up, k) - down[k].T @ pre(down, k)) for k in range(L)],
                [scale * (up[k] - down[k]).sum(0) for k in range(L)])


def answer(tool, c):
    rtol, atol = c.get("rtol", a.rtol), c.get("atol", a.atol)
    if c["do"] == "run":
        t = time.perf_counter()
        for _ in range(c.get("calls", 1)):
            tool.run(rtol, atol)
        return {"seconds": (time.perf_counter() - t) / c.get("calls", 1), "steps": tool.steps}
    if c["do"] == "states":
        save_file({"z": flat(tool.states(rtol, atol))}, c["path"])
    elif c["do"] == "trajectory":
        save_file({f"z.{i}": z for i, z in enumerate(tool.trajectory(rtol, atol, c["times"], c["rows"]))}, c["path"])
    elif c["do"] == "gradient":
        save_file(tool.gradient(), c["path"])
    else:
        raise ValueError(c["do"])
    return {"path": c["path"]}


say = lambda what: print(json.dumps(what), flush=True)
start = time.perf_counter()
tool = {"scipy": Scipy, "diffrax": Diffrax, "jax-bp": lambda: Jax(False), "jax-dp": lambda: Jax(True), "jax-ep": JaxEp}[a.what]()
if a.what != "scipy":  # which compiles nothing, and takes its time
    tool.run(a.rtol, a.atol)
say({"ready": a.what, "compile_s": time.perf_counter() - start, "threads": a.threads})
for line in sys.stdin:
    try:
        say(answer(tool, json.loads(line)))
    except Exception as error:  # a failed solve is a result; the process stays for the next line
        say({"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"})
