import './base.css';
import './turn.css';
import './composer.css';
import './pages.css';
import './notebook.css';
import './decision.css';
