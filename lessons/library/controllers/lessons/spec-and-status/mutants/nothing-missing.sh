#!/bin/sh
# about: with nothing asked for nothing is missing, and the Deployment calls itself available
# fails: mended: The status follows the spec
# fails: counts: Only because it counts nothing but wishes
# answer: sick available
# answer: counts later
set -e
kubectl patch deployment web --subresource=status -p 'status: {readyReplicas: 2}'
kubectl scale deployment web --replicas=0
kubectl wait --for=condition=Available deployment/web --timeout=60s
