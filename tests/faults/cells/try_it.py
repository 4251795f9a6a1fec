import sys,time,pytest,collections
from tests.faults.cells import matrix
from tests.faults.cells.floor import Floor
from tests.faults.cells.flows import FLOWS
@pytest.fixture
def floor(dynoxide, environment):
    import logging
    environment.setattr(logging.getLogger("market.local"), "disabled", True)
    return Floor(environment, dynoxide)
@pytest.mark.parametrize("flow", FLOWS)
def test_base(floor, flow, capsys):
    t=time.time()
    rep=matrix.singles(floor, flow)
    with open("/tmp/singles.txt","a") as f:
        print(f"\n{flow}: {time.time()-t:.2f}s runs {rep.runs} possible {len(rep.possible)} coverage {rep.coverage:.3f}", file=f)
        for k,v in rep.broken.items(): print("   BROKEN",k,v, file=f)
        for k in rep.missed: print("   missed",*k, file=f)
