#!/bin/sh
# about: two changes, each with a rollout of its own, and paused afterwards; an undo is thought to bring the old number back
# fails: number: A revision is the newest number
# fails: paused: Each change of the template is a rollout of its own
# answer: number two
set -e
kubectl set image deployment/shop web=drydock/web:2
kubectl rollout status deployment/shop --timeout=60s
kubectl set image deployment/shop web=drydock/web:9
kubectl wait --for=jsonpath='{.status.unavailableReplicas}'=1 deployment/shop --timeout=60s
kubectl rollout undo deployment/shop
kubectl rollout status deployment/shop --timeout=60s
kubectl set image deployment/shop web=drydock/web:1
kubectl set env deployment/shop GREETING=hello
kubectl rollout status deployment/shop --timeout=60s
kubectl rollout pause deployment/shop
