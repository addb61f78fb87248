use super::*;

fn small(operations_per_client: usize, operations: usize) -> Gate {
    let limits = Limits { operations_per_client, operations, merged_per_client: 2, ..Limits::default() };
    Gate::new(Settings { limits, ..Settings::default() })
}

fn answer(gate: &mut Gate) -> Vec<OperationView> {
    let mut asked = Vec::new();
    while let Some(fact) = gate.take() {
        let Fact::Transaction(delivered) = fact else { panic!("{fact:?}") };
        assert!(delivered.first);
        gate.expect(delivered.operation, one(Clause::default())).unwrap();
        asked.push(gate.operation(delivered.operation).unwrap());
    }
    asked
}

#[test]
fn a_clients_sweep_is_merged_and_hides_nobodys_writes() {
    let mut gate = small(10, 1000);
    for function in 0..100 {
        offer(&mut gate, &flow(1, 2), &read(function, u64::from(function), 1));
    }
    let asked = answer(&mut gate);
    assert_eq!(asked.len(), 11, "ten, and what the rest became");
    let merged = &asked[10];
    assert_eq!(
        (merged.merged, merged.function, merged.port, merged.access),
        (Merged::Server, None, None, Access::Read)
    );
    assert_eq!((merged.client.unwrap().bits, merged.server.unwrap().bits), (1, 2));
    assert_eq!(gate.operations()[10].count, 90);
    assert_eq!(gate.ceilings(), [("operations_per_client.read", 90)]);
    assert_eq!(gate.merged_functions().collect::<Vec<_>>(), (10..100).map(|f| (0, f, 1)).collect::<Vec<_>>());
    let write = Transaction { access: Access::Write, ..read(6, 1, 1) };
    offer(&mut gate, &flow(1, 2), &write);
    offer(&mut gate, &flow(3, 2), &read(99, 1, 1));
    offer(&mut gate, &flow(1, 2), &read(5, 1, 1));
    let asked = answer(&mut gate);
    assert_eq!(
        asked.iter().map(|o| o.merged).collect::<Vec<_>>(),
        [Merged::No, Merged::No],
        "a write, and another's read"
    );
    assert_eq!(gate.operations()[5].count, 2, "what was known before goes on");
}

#[test]
fn beyond_a_few_servers_a_client_is_merged_whole() {
    let mut gate = small(1, 1000);
    for server in 2..50 {
        offer(&mut gate, &flow(1, server), &read(3, u64::from(server), 1));
    }
    let asked: Vec<_> = answer(&mut gate).iter().map(|o| (o.merged, o.server.map(|s| s.bits))).collect();
    assert_eq!(
        asked,
        [(Merged::No, Some(2)), (Merged::Server, Some(3)), (Merged::Server, Some(4)), (Merged::Client, None)]
    );
    assert_eq!(gate.operations().iter().map(|t| t.count).sum::<u64>(), 48);
}

#[test]
fn the_whole_table_has_an_end() {
    let mut gate = small(1000, 160);
    for client in 0..5000 {
        let access = Access::ALL[client as usize % 8];
        offer(&mut gate, &flow(client, 10_000), &Transaction { access, ..read(3, u64::from(client), 1) });
    }
    let asked = answer(&mut gate);
    let merged = |level| asked.iter().filter(|o| o.merged == level).count();
    assert_eq!(
        (merged(Merged::No), merged(Merged::Server), merged(Merged::Client), merged(Merged::All)),
        (160, 10, 10, 8)
    );
    assert!(asked.iter().filter(|o| o.merged == Merged::All).all(|o| o.client.is_none() && o.server.is_none()));
    assert_eq!(gate.operations().iter().map(|t| t.count).sum::<u64>(), 5000);
    assert_eq!(gate.ceilings().iter().map(|c| c.1).sum::<u64>(), 4840);
    assert_eq!(gate.ceilings().len(), 8);
}
