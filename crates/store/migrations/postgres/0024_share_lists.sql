-- Rights on models by who has them and by who gave them, page by page.

CREATE INDEX model_share_received ON model_share (user_id, id);
CREATE INDEX model_share_given ON model_share (provider, id);
