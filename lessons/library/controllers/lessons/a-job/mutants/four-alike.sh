#!/bin/sh
# about: four times is taken for one of each: without numbers all four pack the same parcel
# fails: parcels: Four pods without numbers would all take the same parcel
# answer: how-many 7
set -e
kubectl create job hello --image=drydock/base:1 -- echo hello
sed -i '0,/^spec:/s//spec:\n  completions: 4\n  parallelism: 2/' parcels.yaml
sed -i '0,/^spec:/s//spec:\n  backoffLimit: 0/; s/OnFailure/Never/' bills.yaml
kubectl apply -f parcels.yaml -f bills.yaml
kubectl wait --for=condition=Failed job/bills --timeout=60s
kubectl delete job bills
sed -i 's/value: "0"/value: "10"/' bills.yaml
kubectl apply -f bills.yaml
kubectl wait --for=condition=Complete job/hello job/parcels job/bills --timeout=60s
