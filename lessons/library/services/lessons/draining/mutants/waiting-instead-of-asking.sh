#!/bin/sh
# about: the old pods leave slowly, and the rollout waits a fixed time for the new ones instead of asking them: they count as ready all the same
# fails: zero: costs visits at both ends
# answer: order same
set -e
kubectl patch deployment shop --patch '{"spec":{"minReadySeconds":3,"template":{"spec":{"containers":[{"name":"web","image":"drydock/web:2",
  "lifecycle":{"preStop":{"sleep":{"seconds":3}}}}]}}}}'
kubectl rollout status deployment/shop --timeout=60s
kubectl exec balancer -- timeout 60 sh -c 'until [ "$(tail -n 6 /tmp/visits | sort -u)" = 2 ]; do sleep 0.2; done'
