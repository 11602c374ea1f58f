#!/bin/sh
# about: the Service is deleted and made anew for the new version: it has another address then; and a program is sought at the address
# fails: green: The visitors keep the address that they know
# fails: whose: A ping to the address is answered by nobody
# fails: kept: A pod is chosen when a connection is opened
# answer: whose pod
# answer: kept spread
set -e
kubectl expose deployment blue --name=shop --port=80 --target-port=8080
address=$(kubectl get service shop -o jsonpath='{.spec.clusterIP}')
kubectl exec client -- sh -c "echo $address > /tmp/address"
sleep 2 # until it has been tried
kubectl delete service shop
kubectl expose deployment green --name=shop --port=80 --target-port=8080
