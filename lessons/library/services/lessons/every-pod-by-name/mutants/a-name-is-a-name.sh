#!/bin/sh
# about: the name of the pod object is taken for a name in the DNS; the port for a rule that is late
# fails: named: A pod gets a name in the DNS when it says which one
# fails: port: No address of its own means nothing for a rule to look for
# fails: price: Readiness is there so that nobody is sent to a pod that cannot serve
# answer: port late
# answer: price same
set -e
kubectl expose deployment cache --cluster-ip=None --port=80 --target-port=8080
kubectl run captain --image=drydock/web:2 --labels=app=cache
kubectl patch service council -p '{"spec":{"publishNotReadyAddresses":true}}'
