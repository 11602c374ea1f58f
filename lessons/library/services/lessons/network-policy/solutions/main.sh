#!/bin/sh
# about: the way the text goes, with sed in the place of vi
# answer: sum both
set -e
sed -i 's/^  # /  /' db.yaml
cat >> db.yaml <<MORE
  - from:
    - namespaceSelector:
        matchLabels: {team: office}
      podSelector:
        matchLabels: {app: audit}
MORE
kubectl apply -f db.yaml
cat >> till.yaml <<MORE
  - ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
MORE
kubectl apply -f till.yaml
