#!/bin/sh
# about: the way the text goes
# answer: whose nobody
# answer: kept same
set -e
kubectl expose deployment blue --name=shop --port=80 --target-port=8080
address=$(kubectl get service shop -o jsonpath='{.spec.clusterIP}')
kubectl exec client -- sh -c "echo $address > /tmp/address"
kubectl set selector service shop app=shop,colour=green
