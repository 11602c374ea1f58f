#!/bin/sh
# about: only the Job is told not to try again; the kubelet starts the container a second time. The first try is counted in
# fails: tried-once: The kubelet and the Job must both be told not to
# fails: how-many: A limit on trying again comes on top of the first try
# answer: how-many 6
set -e
kubectl create job hello --image=drydock/base:1 -- echo hello
sed -i '0,/^spec:/s//spec:\n  completions: 4\n  parallelism: 2\n  completionMode: Indexed/' parcels.yaml
sed -i '0,/^spec:/s//spec:\n  backoffLimit: 0/' bills.yaml
kubectl apply -f parcels.yaml -f bills.yaml
kubectl wait --for=condition=Complete job/hello job/parcels --timeout=60s
kubectl wait --for=condition=Failed job/bills --timeout=60s
