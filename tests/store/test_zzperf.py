import sys,time; sys.path.insert(0,'/work/main')
from service.store import queue, inbox
from service.store.engine import Database
from tests.store.samples import *
def test_perf(database):
    for b in range(10): fill(database,[(f"e{b}_{n}",f"c{b}_{n}") for n in range(500)])
    t=time.perf_counter(); n=0
    while True:
        with database.write() as c: cl=queue.claim(c,f"x{n}",T0,limit=200,max_attempts=3)
        if not cl.events: break
        with database.write() as c: queue.complete(c,cl.id,[queue.Outcome(event=e,status="applied") for e in cl.events],T0)
        n+=len(cl.events)
    print(f"PERF {database.engine.dialect.name} {n/(time.perf_counter()-t):.0f}/s")
