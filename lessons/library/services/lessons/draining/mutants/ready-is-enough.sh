#!/bin/sh
# about: the new pods are asked before they count, and the old ones end the moment they are told
# fails: zero: costs visits at both ends
# fails: order: The two are not tied together
# answer: order after
set -e
kubectl patch deployment shop --patch '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"drydock/web:2",
  "readinessProbe":{"httpGet":{"path":"/readyz","port":8080},"periodSeconds":1}}]}}}}'
kubectl rollout status deployment/shop --timeout=60s
kubectl exec balancer -- timeout 60 sh -c 'until [ "$(tail -n 6 /tmp/visits | sort -u)" = 2 ]; do sleep 0.2; done'
