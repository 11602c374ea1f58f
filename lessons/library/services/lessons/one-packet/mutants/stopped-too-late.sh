#!/bin/sh
# about: the pods are replaced while the rules are still kept; stopping kube-proxy alone is thought to cut the Service off
# fails: stale: Rules that nobody keeps
# fails: third: Each rule is reached only by
# answer: where node
# answer: third quarter
set -e
kubectl delete pod -l app=shop
kubectl rollout status deployment/shop --timeout=60s
kubectl exec visitor -- wget -T 5 -qO- http://shop/
drydock component stop proxy@node-1
