#!/bin/sh
# about: the way the text goes, with sed in the place of vi
# answer: how-many 7
set -e
kubectl create job hello --image=drydock/base:1 -- echo hello
sed -i '0,/^spec:/s//spec:\n  completions: 4\n  parallelism: 2\n  completionMode: Indexed/' parcels.yaml
sed -i '0,/^spec:/s//spec:\n  backoffLimit: 0/; s/OnFailure/Never/' bills.yaml
kubectl apply -f parcels.yaml -f bills.yaml
kubectl wait --for=condition=Failed job/bills --timeout=60s
kubectl delete job bills
sed -i 's/value: "0"/value: "10"/' bills.yaml
kubectl apply -f bills.yaml
kubectl wait --for=condition=Complete job/hello job/parcels job/bills --timeout=60s
