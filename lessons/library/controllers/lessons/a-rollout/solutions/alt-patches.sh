#!/bin/sh
# about: all at once by surge; a broken version of another kind; back by a patch instead of undo; paused and both changes in one patch
# answer: number four
set -e
image() { kubectl patch deployment shop --patch '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"'"$1"'"}]}}}}'; }
kubectl patch deployment shop --patch '{"spec":{"strategy":{"rollingUpdate":{"maxSurge":"100%","maxUnavailable":0}}}}'
image drydock/web:2
kubectl rollout status deployment/shop --timeout=60s
image drydock/wbe:2
kubectl wait --for=jsonpath='{.status.unavailableReplicas}'=3 deployment/shop --timeout=60s
image drydock/web:2
kubectl rollout status deployment/shop --timeout=60s
kubectl patch deployment shop --patch '{"spec":{"paused":true,"template":{"spec":{"containers":[{"name":"web","image":"drydock/web:1","env":[{"name":"GREETING","value":"hi"}]}]}}}}'
kubectl wait --for=jsonpath='{.status.observedGeneration}'="$(kubectl get deployment shop -o jsonpath='{.metadata.generation}')" deployment/shop --timeout=60s
kubectl patch deployment shop --patch '{"spec":{"paused":false}}'
kubectl rollout status deployment/shop --timeout=60s
