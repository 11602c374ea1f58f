#!/bin/sh
# about: stopped and started again before the change, as if they had to be told to restart; the pod goes by scaling
# fails: lost: A pod that goes while the controllers are away
# fails: passing: A wish that came and went
set -e
drydock component stop controller-manager
drydock component start controller-manager
kubectl scale deployment shop --replicas=1
kubectl rollout status deployment/shop --timeout=60s
kubectl scale deployment shop --replicas=5
kubectl wait --for=jsonpath='{.spec.replicas}'=5 rs -l app=shop --timeout=60s
kubectl scale deployment shop --replicas=3
kubectl rollout status deployment/shop --timeout=60s
