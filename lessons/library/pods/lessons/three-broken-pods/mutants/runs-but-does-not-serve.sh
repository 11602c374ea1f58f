#!/bin/sh
# about: every pod is made to run, which is not what it is for: one sleeps, one has its value written in
# fails: store: A container that runs is not yet one that serves
# fails: greeter: The kubelet puts the environment together
set -e
kubectl set image pod/front front=drydock/web:1
kubectl delete pod store greeter --now
kubectl run store --image=drydock/web:1 --command -- sleep infinity
kubectl run greeter --image=drydock/web:1 "--env=GREETING=good morning"
kubectl wait --for=condition=Ready pod/front pod/store pod/greeter --timeout=60s
